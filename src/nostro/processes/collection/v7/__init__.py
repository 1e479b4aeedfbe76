"""The seventh version: card money without an item waits for a person, whoever else registers cards. See PROCESS.md."""
