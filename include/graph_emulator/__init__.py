"""A stand-in for Microsoft Graph's Entra ID log endpoints, on loopback over TLS.

Start it with `python -m include.graph_emulator serve` or, in a test, with
`include.graph_emulator.process.start_emulator`. Comments mark where a behaviour comes from:
"documented" is Microsoft's documentation, "observed" is an issue thread or a deployed collector,
"inferred" is our own guess.
"""
