"""What binds everyone: agreements, homes, keys and the vault; later access policy, audit, parcels and retention.

Nothing here decides what a record means. Everything that reads or writes personal data goes through here.
"""
