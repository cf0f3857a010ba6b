"""The command line, one thin module for each group of commands. Commands parse, call a room, and print."""
