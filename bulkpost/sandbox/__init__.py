"""LeadConduit on loopback, with faults on order.

In the order in which a request lives it:

``routes``      which flow, source and kind of request a path names
``negotiate``   what may be answered (``Accept``) and what was sent (``Content-Type``)
``form`` ``json_body`` ``xml_body``  body text becomes a lead. Pure
``submission``  the checks of a request in LeadConduit's order; a lead or a refusal. Pure
``orders``      the reserved fields of one lead: fault, outcome, latency, price. Pure
``faults``      the catalogue of misbehaviours and the plan that hands them out, seeded
``identity``    which leads are the same, for duplicates and for faults that come n times
``flow``        what an account sets up: typed fields, rules, caps, hours, ``/meta``
``verdict``     success, failure or error. Pure
``reply``       the JSON or XML answer. Pure
``store``       what was received and what was taken; the lead log
``sandbox``     joins these without I/O
``wire``        delivers an answer, well-formed or broken
``server``      the aiohttp server; the only module here that binds a socket
``run``         a sandbox as a process of its own

It knows nothing of the client but the wire and LeadConduit's field types, so that the two cannot
share a mistake.
"""
