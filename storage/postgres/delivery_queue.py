"""Finds whose turn it is among the deliveries in PostgreSQL, as statements.

Of each queue of a chat only the head may be claimed: what is due at once is looked for by number,
what waits for a moment of its own by when that is, each in an index of its own. No index
knows of leases, so that a claim changes none.

A lease lasts by the server's clock alone: two processes never have one delivery in hand, whatever
their own clocks show. What is due goes by the clock of whoever asks.
"""

from storage.claiming import SUMMARY_AT_MOST

# The only delivery of its chat and queue that may be claimed. Written so that it is looked up in an
# index, whatever the planner thinks of the tables: it takes an equality for rare, and would rather
# sort all there is than look at the first few; of a coalesce it knows nothing.
_IS_HEAD = """coalesce(d.number = (
    select e.number from delivery e where e.chat = d.chat and e.queue = d.queue
    order by e.number limit 1
), false)"""
# Whether somebody has it in hand; one of which nobody knows when the lease began is in hand, too.
LEASED = "(d.leased_until is not null and coalesce(d.lease_ends > clock_timestamp(), true))"
_IS_DUE = f"d.not_before <= $1 and not {LEASED}"
# When it is due by the clock that shows $1 now: a lease has as long to go by every clock.
_DUE_AT = f"""greatest(d.not_before, case when {LEASED} then
    coalesce($1::timestamptz + (d.lease_ends - clock_timestamp()), d.leased_until) end)"""
_AT_ONCE = f"delivery d where not d.resting and not d.timed and {_IS_HEAD}"
_TOGETHER = f"delivery d where not d.resting and d.timed and {_IS_HEAD}"

# What a chat that refuses may be tried with next, `c` being the chat: the heads of its queues.
_PROBE = f"""
    select d.* from delivery d where d.chat = c.handle and {_IS_HEAD}
"""  # noqa: S608 - of constants alone

# With the head of a queue of its own goes all that nobody has in hand; with that of a chat that has
# returned, all that is due. $1 is now, $2 how many turns, $3 until when they are leased, and $4 for
# how long.
CLAIM = f"""
with at_once as materialized (
    select d.number, d.chat, d.queue from {_AT_ONCE} and {_IS_DUE}
    order by d.number limit $2 for update of d skip locked
), together as materialized (
    select d.number, d.chat, d.queue from {_TOGETHER} and {_IS_DUE}
    order by d.not_before, d.number limit $2 for update of d skip locked
), refusing as materialized (
    select c.handle from chat c where c.probe_at <= $1
        and exists (select from ({_PROBE}) d where {_IS_DUE})
    order by c.probe_at limit $2 for update of c skip locked
), probe as materialized (
    select head.* from refusing c, lateral (
        select d.number, d.chat, d.queue from ({_PROBE}) d where {_IS_DUE}
        order by d.attempts, d.number limit 1
    ) head
), turn as materialized (
    select * from (
        select * from at_once union all select * from together union all select * from probe
    ) head
    order by number limit $2
), along as (
    select later.number from turn left join chat on chat.handle = turn.chat,
    lateral (
        select number, bool_and(due) over (order by number) as at_once from (
            select d.number, {_IS_DUE} as due from delivery d
            where d.chat = turn.chat and d.queue = turn.queue
                and (turn.queue = '' or not {LEASED})
            order by d.number limit {SUMMARY_AT_MOST}
        ) queue
    ) later
    where turn.queue <> '' or (chat.returned and later.at_once)
), probed as (
    update chat set probe_at = $3
    where handle in (select chat from turn intersect select chat from probe)
)
update delivery d set leased_until = $3, lease_ends = clock_timestamp() + $4
where d.number = any(array(select number from turn union select number from along))
returning d.*
"""  # noqa: S608 - of constants alone

# Where nobody knows when a lease began (imported, or older than `lease_ends`), it ends soon.
END_OLD_LEASES = """
update delivery set lease_ends = clock_timestamp() + interval '10 minutes'
where leased_until is not null and lease_ends is null
"""

# Older news of petitions that is due ($1), in other queues of the same chats and not due itself.
# `offset 0` keeps the planner from joining the two, so that each chat is looked up by its index.
OLDER = """
select distinct o.* from delivery d, lateral (
    select * from delivery other
    where other.chat = d.chat and other.petition = d.petition and other.number < d.number
        and other.queue <> d.queue and other.number <> all($1)
    offset 0
) o
where d.number = any($1)
order by o.number
"""

# Where many wait behind heads that somebody has in hand, no more than these are looked up one by
# one: the heads are then found all together.
_A_FEW = 100

# Whether something is due that is found at once, as it mostly is; only NEXT_DUE tells for certain.
FOUND_DUE = f"""
select exists (select from (
        select d.* from delivery d where not d.resting and not d.timed and {_IS_DUE}
        order by d.number limit {_A_FEW}
    ) d where {_IS_HEAD})
    or exists (select from (
        select d.* from delivery d where not d.resting and d.timed and {_IS_DUE}
        order by d.not_before, d.number limit {_A_FEW}
    ) d where {_IS_HEAD})
    or exists (select from chat c, lateral ({_PROBE}) d where c.probe_at <= $1 and {_IS_DUE})
"""  # noqa: S608 - of constants alone

# The heads of all queues, found at one walk over all that waits.
_HEADS_AT_ONCE, _HEADS_TOGETHER = (
    f"""delivery d where d.number = any(array(
        select min(number) from delivery where not resting and {kind} group by chat, queue))"""  # noqa: S608 - of constants alone
    for kind in ("not timed", "timed")
)

# Of what waits for a moment of its own, whatever comes after the first that nobody has in hand is
# not looked at, if that first one is soon found.
NEXT_DUE = f"""
with free as materialized (
    select d.not_before from (
        select d.* from delivery d where not d.resting and d.timed and not {LEASED}
        order by d.not_before, d.number limit {_A_FEW}
    ) d where {_IS_HEAD} order by d.not_before limit 1
)
select least(
    (select min({_DUE_AT}) from {_HEADS_AT_ONCE}),
    (select not_before from free),
    case when exists (select from free)
        then (select min({_DUE_AT}) from {_TOGETHER}
            and d.not_before < (select not_before from free))
        else (select min({_DUE_AT}) from {_HEADS_TOGETHER}) end,
    (select min(greatest(c.probe_at, {_DUE_AT})) from chat c, lateral ({_PROBE}) d
        where c.probe_at is not null)
)
"""  # noqa: S608 - of constants alone

# What was due at once counts as told at the Unix second $3, if that is given, to the chat that $4
# stands for: no handle, which would tell that chat's moment to who knows what happened then.
SETTLE = """
with done as materialized (
    select number from delivery join unnest($1::bytea[], $2::bytea[]) named (chat, head)
        using (chat, head)
    order by number for update of delivery
), gone as (
    delete from delivery where number = any(array(select number from done)) returning chat, queue
)
insert into recent_alert (recent, at)
select distinct recent, $3::bigint
from gone join unnest($1::bytea[], $4::bytea[]) named (chat, recent) using (chat)
where queue = '' and $3::bigint is not null
"""

# Of chats ($1, $6): how many alerts each was told since a moment ago ($2, $3: Unix seconds), and
# until when a flood of them is held as of now ($4) in its queue ($5).
FLOODS = """
select handle,
    (select count(*) from recent_alert r
        where r.recent = asked.recent and r.at > $2 and r.at < $3) as told,
    (select min(d.not_before) from delivery d
        where d.chat = handle and d.queue = $5 and d.not_before > $4 and d.attempts = 0) as until
from unnest($1::bytea[], $6::bytea[]) asked (handle, recent)
"""

# Skipping what another process drops just now, nobody waits for anybody.
DROP_PAST = """
delete from recent_alert where ctid = any(array(
    select ctid from recent_alert where at <= $1 or at >= $2 limit 1000 for update skip locked
))
"""

# Lets it wait until $3 (in the queue $4, if one is given), after $5 tries more.
GIVE_BACK = """
update delivery set not_before = $3, attempts = attempts + $5, leased_until = null,
    lease_ends = null, queue = coalesce($4, queue)
where chat = $1 and head = $2
"""
