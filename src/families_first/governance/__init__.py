"""What binds everyone: agreements, homes, retention classes, keys and the vault.

Nothing here decides what a record means. Everything that reads or writes personal data goes through here.
"""
