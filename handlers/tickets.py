"""Works out how an update takes its turn: whose it is, of what kind, and if it changes things."""

from collections.abc import Callable, Iterable, Sequence

from telegram import Chat, Message, Update, User

from bot.messages.chat.groups import pressed_for
from bot.telegram.dispatcher import Ticket, UpdateKind, WorkClass
from handlers.command import AnyHandler, Command, PressHandler

# Told by heart, so that they wait for nobody.
_BY_HEART = frozenset({"help", "about", "privacy", "status"})
# With nothing behind them they only show what there is.
_SHOWING = frozenset({"settings", "subscribe", "unsubscribe", "snooze", "mydata", "forget"})
# With something behind them they change what is kept, though anybody may send them.
_TAKING = frozenset({"start", "milestones"})


def tickets(
    commands: Sequence[Command],
    handlers: Iterable[AnyHandler],
    as_command: Callable[[Message], str] = lambda _: "",
) -> Callable[[Update], Ticket | None]:
    """Return a function that says how an update takes its turn; None for what nobody said to us.

    `as_command` tells the command that a plain message comes down to.
    """
    named = {name: each for each in commands for name in (each.name, *each.aliases)}
    acting = {each.verb for each in handlers if isinstance(each, PressHandler) and each.changes}

    def ticket(update: Update) -> Ticket | None:
        chat, user = update.effective_chat, update.effective_user
        if update.my_chat_member or update.chat_member:
            kind = UpdateKind.MEMBERSHIP if update.my_chat_member else UpdateKind.MEMBER
            return Ticket(kind, WorkClass.SERVICE, _id(chat), _id(chat))
        if update.inline_query:
            return Ticket(UpdateKind.INLINE, WorkClass.INLINE, _id(user), 0)
        if update.callback_query:
            verb, about = _press(update.callback_query.data or "")
            work_class = WorkClass.ACT if verb in acting else WorkClass.LOOK
            return Ticket(UpdateKind.PRESS, work_class, _id(user), about or _id(chat))
        message = update.effective_message
        return _said(update, message, _owner(message, user, chat)) if message else None

    def _said(update: Update, message: Message, owner: int) -> Ticket | None:
        chat = message.chat.id
        if message.is_automatic_forward:
            return None  # a channel's post, put into its discussion group by Telegram itself
        if message.migrate_to_chat_id or message.migrate_from_chat_id:
            return Ticket(UpdateKind.MEMBERSHIP, WorkClass.SERVICE, chat, chat)
        if message.document and not update.guest_message:
            return Ticket(UpdateKind.FILE, WorkClass.FILE, owner, chat)
        if (message.text or "").startswith("/"):
            return Ticket(UpdateKind.COMMAND, _work_class(message.text or "", named), owner, chat)
        if message.chat_shared:
            return Ticket(UpdateKind.MESSAGE, WorkClass.ACT, owner, chat)
        return Ticket(UpdateKind.MESSAGE, _work_class(as_command(message), named), owner, chat)

    return ticket


def _work_class(text: str, named: dict[str, Command]) -> WorkClass:
    first, _, rest = text.partition(" ")
    command = named.get(first[1:].partition("@")[0].lower())
    if command is None:
        return WorkClass.LOOK
    if command.name in _BY_HEART:
        return WorkClass.LIGHT
    if command.changes:
        return WorkClass.LOOK if command.name in _SHOWING and not rest.strip() else WorkClass.ACT
    return WorkClass.ACT if command.name in _TAKING and " " in text.strip() else WorkClass.LOOK


def _press(data: str) -> tuple[str, int | None]:
    carried, about = pressed_for(data)
    return carried.partition("|")[0], about


def _owner(message: Message, user: User | None, chat: Chat | None) -> int:
    """Return the id of the speaker: a person, or a channel or an admin in a chat's name."""
    return _id(message.sender_chat or user or chat)


def _id(whose: User | Chat | None) -> int:
    return whose.id if whose else 0
