"""The words by which people ask for what the bot does: English, Welsh, some in others (pure).

Whatever stands here is written as `plain` leaves it: small letters, no accents, no punctuation.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal, TypeAlias

Everyday: TypeAlias = Literal[
    "start",
    "help",
    "unsubscribe",
    "subscriptions",
    "settings",
    "settings quiet",
    "settings digest",
    "settings all digest",
    "settings zone",
    "settings language",
    "settings language cy",
    "settings language en",
    "snooze",
    "snooze off",
    "status",
    "digest",
    "forget",
    "mydata",
    "privacy",
    "about",
    "trending",
    "search",
    "subscribe",
    "constituency",
    "petition",
    "response",
    "constituencies",
    "chart",
    "map",
    "milestones",
    "share",
    "undo",
    "cancel",
    "thanks",
]

_APOSTROPHES = re.compile(r"['’‘`´]")
_NO_WORD = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """Return a text as it is compared: small letters without accents, words parted by one space."""
    spelt = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    bare = "".join(each for each in spelt if unicodedata.category(each) not in {"Mn", "Cf"})
    return _NO_WORD.sub(" ", _APOSTROPHES.sub("", bare)).strip()


def _table(phrases: Mapping[Everyday, str]) -> dict[str, Everyday]:
    return {
        said: command
        for command, listed in phrases.items()
        for phrase in re.split(r"[,\n]", listed)
        if (said := plain(phrase))
    }


def _words(listed: str) -> frozenset[str]:
    return frozenset(map(plain, listed.split()))


# A message that says no more than this means the command.
SAYINGS: Mapping[str, Everyday] = _table(
    {
        "start": """
            hi, hello, hey, hiya, hi there, hello there, hey there, hi bot, hello bot, yo, howdy
            good morning, good afternoon, good evening, start, begin, lets start, get started
            home, what is this, whats this, who are you, what are you, who is this
            what is this bot, what is this bot for, what is petition bell, what are you for
            hey bot, hi there bot, good day, beth yw hwn, beth ydy hwn, pwy wyt ti
            helo, shwmae, sut mae, smae, bore da, prynhawn da, noswaith dda, dechrau, haia
            how are you, how are you doing, how do you do, hullo, greetings, dia dhuit, halo
            hallo, bonjour, salut, hola, ciao, ola, czesc, salaam, namaste, merhaba""",
        "help": """
            help, help me, help please, i need help, can you help, can you help me, menu
            main menu, commands, all commands, instructions, how does this work, guide
            how do you work, how do i use this, how to use, what can you do, what can i do
            what do you do, what can i send, what can i say, what now, info, faq, usage
            hello can you help me, can you help me please, i need some help, im stuck
            can i ask a question, ask a question, what can i ask
            what can i ask you, can i ask you a question, can i ask you something
            i have a question
            how does it work, tutorial, list commands, what do the buttons do, explain
            what does this bot do, what does it do, what does the bot do
            im confused, i dont understand, how do i start, what does this do
            how do i use you, what are the commands, i need assistance, what do you understand
            beth alla i wneud, beth alla i ddweud, how to, what do i do, what do i do now
            gymorth, help llaw os gwelwch yn dda, cymorth, helpwch fi, helpwch, help llaw
            dewislen, gorchmynion, sut mae hyn yn gweithio
            hilfe, aide, ayuda, aiuto, pomoc, ajuda, yardim, hulp""",
        "unsubscribe": """
            stop, stop it, stop this, stop that, stop please, please stop, stop now, stop all
            stop everything, stop alerts, stop the alerts, stop all alerts, stop messages
            stop messaging me, stop texting me, stop sending me messages, stop sending messages
            unsubscribe, unsubscribe me, unsubscribe all, unsubscribe from all, unfollow
            unfollow all, unfollow everything, leave, leave me alone, quit, exit, end, go away
            stop all of it, stop all messages, stop all of this, stopall, can you stop
            can you stop please, could you stop, i want to stop, i want out, get me out, cancel all
            turn off, turn it off, turn off alerts, turn off notifications, switch off, disable
            switch it off, switch off notifications, disable alerts, disable notifications
            dont message me, dont text me, stop bothering me, stop spamming me, spam
            no more, no more alerts, no more messages, optout, opt out, shut up, enough, unsub
            stopiwch y negeseuon, stopio negeseuon, stopiwch anfon negeseuon, dim negeseuon
            stopio hyn, stopio popeth, stopio, stopiwch, peidio, peidiwch, paid, dad ddilyn
            dad danysgrifio, dod i ben
            dim rhagor, dim rhagor o negeseuon
            gadael, dim mwy, rhowch y gorau iddi, dw i eisiau stopio, dwi eisiau stopio
            rwyf eisiau stopio, peidiwch a danfon negeseuon, dim mwy o negeseuon
            stopp, stoppen, aufhoren, hor auf, schluss, abmelden, halt
            arret, arrete, arreter, arretez, stoppez, desabonner, se desabonner
            para, parar, pare, basta, detener, cancelar suscripcion, alto, fermati, smettila
            zatrzymaj, przestan, koniec, stop prosze, стоп, стой, хватит, отписаться, стопп
            зупинись, зупинити, відписатися, dur, durdur, yeter, stoppa, sluta, slutt, lopeta
            abbestellen, kundigen, aufhoren bitte, bitte stopp
            desinscrire, me desinscrire, me desabonner
            desuscribir, desuscribirme, darme de baja, baja, termina, cancela, fermare, disdici
            disiscrivi, disiscrivimi, annulla iscrizione, basta cosi, pare por favor
            uitschrijven, stopp det, stop det, avsluta, avregistrera, prestan, zastavit
            odhlasit, zastavi, odjavi, zrezygnuj, wypisz, dezabonare, opriti, iptal et
            stop maar, ophouden, afmelden, opreste, stai, spri, aturat, ndal
            توقف, قف, ایقاف, إيقاف, بند کرو, رکو, روک دو, रुको, बंद करो, बंद, বন্ধ করো, বন্ধ, থামো
            ਬੰਦ ਕਰੋ, ਰੁਕੋ, બંધ કરો, நிறுத்து, 停, 停止
            توقف عن الإرسال, إلغاء الاشتراك, بس کرو, बस
            取消订阅, 退订, 停止する, やめて, 止めて, 그만, 중지
            σταματα, סטופ, עצור, dừng lại, ngừng, berhenti, أوقف, وقف, stopiwch bopeth, remove
            stad, stad e, sguir, sguir dheth, jooji, sustok, baik, beidz, apstajies, стига
            elegendo, allj, hagyd abba, chega, parem, seis, desabonnement, desabonnez moi, stoppe
            nie pisz do mnie, hor auf mir zu schreiben, no me escribas, deja de escribirme
            arrete de mecrire, не пиши мне, перестань, stop alles, stop tout, para todo
            ya basta, basta ya, arrete ca, arretez ca, detente, dejame en paz, lass mich in ruhe
            laisse moi tranquille, how do i stop this, take me off""",
        "subscriptions": """
            list, my list, the list, show list, show my list, list all, lists, following
            what do i follow, what am i following, what im following, what i follow
            what do i follow now, what am i subscribed to, what have i subscribed to
            which petitions do i follow, which petitions am i following, what are my petitions
            my petitions, show my petitions, my subscriptions, subscriptions, my alerts
            whats on my list, what petitions do i have, am i following anything, whats in my list
            what have i got, what do i get alerts about, any news, any updates, updates, update
            news, how are my petitions doing
            show subscriptions, show what i follow, my follows, my rules, rules, followed
            rhestr fy neisebau, dangos fy neisebau, fy rhestr i, petitions i follow
            rhestr, fy rhestr, beth ydw i yn ei ddilyn, beth rydw in ei ddilyn
            beth dwin dilyn, fy neisebau, dilyn beth, be dwin ddilyn, tanysgrifiadau""",
        "settings": """
            settings, setting, my settings, change settings, change my settings, preferences
            notifications, alerts, messages, rhybuddion
            options, config, configure, change alerts, change my alerts, set up, setup
            gosodiadau, fy ngosodiadau, dewisiadau""",
        "settings language": """
            language, languages, change language, change the language, iaith, newid iaith
            deutsch, francais, espanol, polski, italiano, portugues, romana, gaeilge, gaidhlig
            русскии, українська, العربية, اردو, 中文, ਪੰਜਾਬੀ, বাংলা""",
        "settings language cy": """
            cymraeg, yn gymraeg, welsh, in welsh, welsh please, speak welsh, language welsh
            siaradwch gymraeg, yn gymraeg os gwelwch yn dda""",
        "settings language en": """
            english, in english, english please, speak english, language english, saesneg
            yn saesneg""",
        "settings all digest": """
            daily digest, digest only, only a digest, all digest, once a day, just once a day
            everything in a digest, put everything in a digest, crynodeb dyddiol
            un crynodeb y dydd, unwaith y dydd""",
        "settings zone": """
            what time zone am i in, time zone, timezone, my time zone, change time zone
            cylchfa amser""",
        "settings digest": """
            weekly digest, once a week, weekly, a weekly digest, digest time, digest times
            daily summary, morning digest, when does my digest come, change digest time
            send me a digest every morning, crynodeb wythnosol, a digest every day""",
        "undo": "undo, dadwneud, oops",
        "settings quiet": """
            quiet, be quiet, quiet hours, quiet please, silence, silent, silence at night, shh
            do not disturb, dnd, night mode, no alerts at night, not at night, no noise
            quiet at night, night, nights, set quiet hours, no messages at night, silent mode
            at night, only at night, during the night, overnight
            dont message me at night, dont wake me, sound off, turn the sound off, no sound
            turn off the sound, no messages at night please, only in the daytime
            cyfnod tawel, cyfnodau tawel, oriau tawel, tawel, distaw, bydd ddistaw""",
        "snooze": """
            snooze, mute, mute all, mute everything, mute alerts, pause, pause alerts, pause all
            snooze all, snooze everything, take a break, holiday, im on holiday, on holiday
            im going on holiday, im going away, going away, away, im away
            saib, seibiant, cysgu, tawelu, distewi, tewi, ar wyliau""",
        "snooze off": """
            restart, restart alerts, start alerts, start alerts again, alerts on
            unsnooze, unmute, unmute all, unpause, resume, resume alerts, wake up, wake
            end snooze, end the snooze, stop snooze, stop snoozing, stop the snooze, im back
            ailddechrau, deffro""",
        "status": """
            test message, testing, are you awake, you there, is anyone there, is anybody there
            status, statws, are you there, are you alive, are you working, are you ok, ping
            is it working, is this working, are you up, test, working, is the bot working""",
        "digest": """
            digest, my digest, summary, my summary, send digest, send my digest, show digest
            digest now, digest please, get digest, what did i miss, crynodeb, fy nghrynodeb""",
        "forget": """
            forget, forget me, delete, delete me, delete my data, delete all my data, erase
            delete everything, erase everything, erase my data, erase me, remove my data
            delete my account, remove me, gdpr, wipe my data, anghofio, anghofia fi, dileu
            dileu fy holl ddata, dileu fy nata i gyd, dileu fy nata, dileu popeth""",
        "mydata": """
            mydata, my data, export, export my data, download my data, show my data
            what do you know about me, what do you have on me, subject access request
            data request
            fy nata, allforio""",
        "privacy": """
            privacy, privacy policy, privacy notice, what do you keep, what do you store
            is my number visible, can you see my number, is my name visible, terms
            is it private, is this private, preifatrwydd""",
        "about": """
            about, about you, about this bot, who made you, who made this, who runs this, source
            source code, feedback, contact, contact us, report a bug, report a problem
            are you a bot, are you human, are you real, are you official, is this official
            is this the government, are you the government, are you parliament
            sign, how do i sign, can i sign, how to sign, can you sign for me, vote
            start a petition, i want to start a petition, create a petition, make a petition
            how do i start a petition, licence, license, version, ynghylch, amdanat ti""",
        "trending": """
            find me a petition to sign, find a petition to sign, petitions to sign, surprise me
            random petition, example, an example, show me an example, recommend a petition
            which petitions are popular, biggest petition, most signed, most signed petitions
            most signed petition, hot right now, whats popular now, popular now, top petition
            whats trending, whats popular, whats hot, whats new, latest, newest
            top petitions today, latest petitions, newest petitions
            trending, popular, popular petitions, most popular, most popular petitions, top
            top petitions, trending petitions, hot, biggest petitions, most signatures
            deisebau poblogaidd, poblogaidd, tueddiadau""",
        "search": """
            search, find, search petitions, find a petition, search for a petition, look up
            search for petitions, find petitions, find petition, chwilio, chwilia, dod o hyd""",
        "subscribe": """
            follow, subscribe, follow a petition, subscribe to a petition, follow something
            follow petition, what can i follow, new petitions, sign up, signup, watch, track
            alert me, dilyn, dilyn deiseb, tanysgrifio""",
        "constituency": """
            wheres my mp, who represents me, my local mp, local petitions, local mp
            what constituency am i in, which constituency am i in, which constituency
            pwy yw fy as, pwy ydy fy as, pwy yw fy aelod seneddol, beth yw fy etholaeth
            my local petitions
            popular near me, whats popular near me, popular petitions near me, whats local
            constituency, my constituency, my mp, mp, who is my mp, whos my mp, find my mp
            petitions in my area, petitions near me, petitions where i live, my mp is who
            postcode, my postcode, my area, local, near me, where i live
            etholaeth, fy etholaeth, cod post, fy as""",
        "petition": """
            petition, petitions, a petition, deiseb, deisebau, card, show petition, signatures
            how many signatures, how many, how many signed, count
            signature count, faint o lofnodion""",
        "response": """
            response, responses, government response, the response, ymateb, ymatebion""",
        "constituencies": "constituencies, etholaethau",
        "chart": "chart, graph, charts, curve, siart, graff",
        "map": "map, maps, mapiau, heat map, heatmap",
        "milestones": """
            milestones, milestone, a milestone, own milestones, my milestones, cerrig milltir
            carreg filltir""",
        "share": "share, rhannu, invite, invite friends, tell a friend, recommend",
        "cancel": """
            cancel that, cancel this, cancel it, forget about it, stop asking
            cancel, no, nope, nah, never mind, nevermind, nvm, no thanks, no thank you, abort
            not now, forget it, skip, back, go back, dont, scrap that, leave it
            nothing, it doesnt matter, doesnt matter, dont worry, ignore that, ignore me
            canslo, na, nage, dim diolch, dim ots, dim nawr, dim byd, nein, non, nie, нет
            abbrechen, annuler, cancelar, annulla, anuluj""",
        "thanks": """
            thanks, thank you, thank u, thx, tx, ty, ta, cheers, many thanks, thanks a lot
            thank you very much, thank you so much, thanks so much, thanks bot, thank you bot
            much appreciated, appreciated, great thanks, ok thanks, okay thanks, nice one
            great thank you, lovely thanks, perfect thanks, brilliant, great, perfect, good bot
            well done, awesome, amazing, lovely, nice, cool, good, excellent, super, fab
            ok, okay, k, kk, got it, understood, fine, alright, all right, will do
            yes, yes please, yeah, yep, y, sure, ie, oes, ydw, lol, haha, cheers mate, thanks mate
            bye, goodbye, bye bye, see you, good night, night night
            diolch, diolch yn fawr, diolch yn fawr iawn, diolch i ti, diolch i chi, gwych
            ardderchog, iawn, hwyl, hwyl fawr, nos da, da iawn
            merci, danke, gracias, grazie, obrigado, dziekuje, спасибо, dank je, tack""",
    }
)

# Of what somebody wants no more, in many languages, whatever stands around it.
STOPS = frozenset(
    plain(said)
    for said, command in SAYINGS.items()
    if command == "unsubscribe"
    and " " not in said
    and said not in {"end", "pare", "spam", "termina"}
) | _words(
    """
    desist remove desabonne desabonner abonnement przestac dezabonez stopping zrezygnowac odpuscic
    শেষ বন্ধ band بند करो বন্ধ αρκετα отписаться прекратите хватит danysgrifio gorau gadael
    """
)
NOT_ANY = _words(
    "no not dont kein keine keinen nicht pas plus non nao nu ne nie не нет больше dim ddim nem ei"
    " ingen inga istemiyorum"
)
SENT = _words(
    """
    messages message alerts alert notifications notification texts text emails email pings
    nachrichten nachricht schreiben mensajes mensaje messaggi messaggio mensagens mensagem mesaj
    mesaje
    wiadomosci сообщении сообщения пишите пишите negeseuon neges berichten meddelanden viesteja
    """
)
AROUND_STOP = (
    STOPS
    | NOT_ANY
    | SENT
    | _words(
        """
    i id you me my we us it this these those that the a an any all from of to for with your and or
    please pls plz kindly immediately now right away at once again ever anymore more just so
    sending send receiving receive getting get texting messaging want wish would like could can
    need do make list mailing service bot thing things stuff bruh omg bro mate dude lol hello hi hey
    je me te vous moi veux voudrais plait sil svp ich mochte will bitte mehr mir das
    yo quiero por favor mas ya me lo voglio per favore piu basta quero mais vreau sa ma mai
    chce prosze mnie do ja хочу я мне пожалуиста бот
    করুন করো কর করে দয়া কৈ করুন جی کریں کرو من فضلك ਜੀ ਕਰੋ
    o bopeth
    dw i dwi rwyf eisiau mwy o y yr rhowch rhoi iddi anfon danfon ag a i bopeth popeth
    os gwelwch yn dda
    """
    )
)

# Reactions as messages: nobody waits for words.
KIND_SIGNS = frozenset("👍👌🙏❤💙💚💛🧡💜🖤♥👏🙌😊🙂😀😃😄😁😍🥰🤝💯🎉✅👋🏼🏻🏽🏾🏿\ufe0f\u200d")


# Words that may stand beside a petition without saying anything of what to do with it.
FILLERS = _words(
    """
    please pls plz the a an this that it its one petition petitions no nr num number id link url
    page i id ill im me my we want wanna would like love need to for of about on with in at from
    can could you your u will do does how lets let us get give send tell have here hi hello hey
    does did who many people still close closes closing ends
    is are was and also too then now just new news updates
    following signed signatures sigs so ok okay thanks thank bot uk government parliament gov called
    named numbered again both all see happening out off when its whether any
    os gwelwch yn dda plis deiseb deisebau ddeiseb y yr rhif am i ar gyda gyfer hon hwn dolen
    eisiau dwi rwyf hoffwn rydw fi ei eu am amdani a ac sy yma happened happening happens
    e epetition doing going getting on got far more any anymore longer list everything anything
    goes gets moves changes closed debate debated debates when once if what next progress count
    total number been has had yet today signing signer signers coming come by per faint o
    lofnodion sydd gan oes wedi compare between or take put latest stage at stuff things govt
    be will get pet up make these those them closer
    reached hit notified alerted informed yw beth why read started rejected n top
    """
)

Verb: TypeAlias = Literal[
    "unsubscribe",
    "unmute",
    "mute",
    "snooze",
    "chart",
    "map",
    "response",
    "constituencies",
    "milestones",
    "share",
    "settings",
    "subscribe",
    "petition",
]

# The earlier of two wins: "stop following", "show me the chart".
_LISTED: Mapping[Verb, str] = {
    "unsubscribe": """
        unfollow unsubscribe stop remove delete drop leave quit end dont forget unsub untrack
        unwatch cancel stopio stopiwch peidio peidiwch paid dad dileu gadael stopp arrete basta
        bin ditch scrap""",
    "unmute": "unmute unsilence",
    "mute": "mute silence silent silently quiet tawelu tawel distewi distaw hush tewi tewch",
    "snooze": "snooze pause saib",
    "chart": "growth pace rate chart graph curve plot siart graff charts trend",
    "map": "map heatmap",
    "response": "response reply respond responded answer answered ymateb",
    "constituencies": "constituencies constituency places where etholaethau etholaeth ble",
    "milestones": "milestones milestone cerrig carreg milltir filltir",
    "share": "share rhannu forward",
    "settings": "settings setting options change configure gosodiadau newid",
    "subscribe": """
        posted updated
        follow subscribe watch track add alert alerts notification notifications notify monitor
        start hear sub dilyn dilynwch ddilyn ping watching tracking
        tanysgrifio danysgrifio followed keep eye""",
    "petition": """
        show open view card details info status check look display search find what whats
        dangos dangoswch gweld agor chwilio""",
}
VERBS: Mapping[Verb, frozenset[str]] = {verb: _words(listed) for verb, listed in _LISTED.items()}


# --- of one petition ------------------------------------------------------------------------------

# What is said around a petition, `#`, in plain words, and the verb that it comes down to.
VERB_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{pattern})(?!\S)"), verb)
    for pattern, verb in (
        (
            r"(?:turn|switch|put) (?:the )?(?:sound|sounds|noise) on"
            r"|(?:turn|switch) on (?:the )?sounds?|sound on|with (?:a )?sound|make .* loud",
            "unmute",
        ),
        (
            r"(?:turn|switch) (?:the )?(?:sound|sounds|noise) off"
            r"|(?:turn|switch) off (?:the )?(?:sounds?|noise)|sound off|no sound"
            r"|without (?:a )?(?:sound|noise)|quietly|dim swn|tewi|tewch",
            "mute",
        ),
        (
            r"no more|no longer (?:want|need|following|follow|care about|interested in)"
            r"|not interested in"
            r"|(?:stop|quit|dont|do not|never)"
            r" (?:send|tell|text|messag|ping|notify|alert|bother|follow|watch|track|remind"
            r"|updat|get|hear|show)(?:e|ing|ting)?|(?:dont|do not) (?:want|need|care)"
            r"|get rid of|rid of|off my list|from my list|(?:im )?(?:done|finished) with"
            r"|(?:take|get|count|leave) me (?:off|out)(?: of)?(?= #)"
            r"|enough of|(?:sick|tired) of|(?:turn|switch) off|opt out of|off$"
            r"|take (?=# off)|dim mwy|ddim eisiau",
            "unfollow",
        ),
        (
            r"what did .* (?:say|reply|answer)"
            r"|what (?:does|has) (?:the )?(?:government|gov|govt) (?:say|said)"
            r"|(?:government|gov|govt|they|minister|ministers|parliament)"
            r" (?:say|said|reply|replied|respond|responded|answer|answered|answering|responding)",
            "response",
        ),
        (
            r"by (?:constituency|place|area|region)"
            r"|(?:per|which|what) (?:constituency|constituencies|places?)"
            r"|where .* (?:signed|signing|signatures|signers) (?:from|coming from|come from)?",
            "where",
        ),
        (r"(?:signatures )?over time|draw", "chart"),
        (r"(?:where|how) (?:do|can|could|should) i sign|sign(?= #)", "show"),
        (
            r"let me know|(?:sign|put) me (?:up |down )?for|be told (?:about|of)|hear about"
            r"|keep (?:me|us) (?:posted|updated|informed|up to date|in the loop|in touch)"
            r"|keep (?:an )?eye on|(?:add|put) (?=# (?:to|on) (?:my|the) list)"
            r"|(?:to|on) (?:my|the) list"
            r"|(?:want|need|like|get|send me|give me)"
            r" (?:the |some |all |hourly |daily |weekly |regular )?(?:updates|news)"
            r"|(?:tell|text|message|warn|remind|update) me (?:when|if|once|whenever|before)"
            r"|interested in|cadw llygad ar|rhoi gwybod",
            "follow",
        ),
    )
)


def with_verbs(said: str) -> str:
    """Return plain words around `#` with a single verb for each phrase that says as much."""
    for pattern, verb in VERB_PHRASES:
        said = pattern.sub(verb, said)
    return said
