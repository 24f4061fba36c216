"""What is said when something failed: never that nothing was changed, which nobody knows."""

from bot.messages.chat import errors


def test_a_failure_claims_neither_that_it_worked_nor_that_nothing_was_changed() -> None:
    for message in (errors.failed(), errors.could_not_save()):
        assert "nothing has changed" not in message.text
        assert "/list" in message.text
