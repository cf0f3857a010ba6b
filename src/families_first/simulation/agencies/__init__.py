"""The twelve made-up agencies: each knows part of the county and sends it in its own shape."""
