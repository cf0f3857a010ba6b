"""A made-up county with the truth known, and the extracts its made-up agencies would send.

Every name, address and identifier here is computed; National Insurance numbers start QQ and NHS numbers 999.
"""
