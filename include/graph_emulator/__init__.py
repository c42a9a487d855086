"""A stand-in for Microsoft Graph's Entra ID log endpoints, on loopback over TLS.

Start it with `python -m include.graph_emulator serve` or, in a test, with
`include.graph_emulator.process.start_emulator`. Comments mark where a behaviour comes from:
"documented" is Microsoft's documentation, "observed" is an issue thread or a deployed collector,
"inferred" is our own guess.

What can be asked
collection   the declaration of one                   catalogue    the collections there are
settings     everything that can be set               control      `/_emulator/`, for tests

How a request is answered
process      start it, and drive it                   serve        certificates, sockets, servers
server       ASGI: answers, also broken ones          service      login, Graph or control?
requests     a request as it came in                  answers      bodies, headers, error envelopes
graph        a page, or a refusal                     query        options, checked as Graph does
odata        `$filter`                                skiptoken    where a chain of pages is
pages        the rows of a page, and JSON around them exchange     a request, its rows, its page
throttle     sliding windows                          stats        what was asked and answered

What goes wrong
faults       the plan                                 misbehave    each kind of fault as an answer
foreign_host a host that no token may go to           ceiling      what it can serve at most

Who asks
login        tokens for proof                         assertions   JWTs of certificates, federation
tokens       which are good, and for whom             credentials  what a client proves itself with

Which events there are
world        a timeline for each tenant and kind      timeline     windows of events, at any clock
bucket       a stretch of events as arrays            overlay      events that a test put in
truth        what a complete read brings              clock        stands, runs, or hurries
ticks        Graph's times as whole numbers           office_hours how many, when, how late

Where the generated ones come from
company      2,000 people                             sites        offices, networks, places
software     apps, browsers, policies                 outcomes     error codes and how often
sign_ins     sign-ins of one kind                     sign_in_text one of them as JSON
sign_in_parts what stands in it                       incidents    attacks and what became of them
risks        detections of incidents                  audits       changes in the directory
audit_activities what changes look like
"""
