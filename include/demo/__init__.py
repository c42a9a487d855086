"""The demo: the whole line on one machine, with the emulator in Graph's place."""
