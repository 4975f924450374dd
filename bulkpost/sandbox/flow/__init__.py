"""What a LeadConduit account sets up: a flow's fields, its rules and who may send to it.

In the order in which a lead meets it:

``settings``   the flow as its owner wrote it down, checked as a whole
``door``       disabled source, missing or wrong key: refused before anything is read
``values``     what LeadConduit's types make of a lead's fields; what must be masked. Pure
``hours``      when the flow is open. Pure
``criteria``   rules that a lead must meet: field, operator, value. Pure
``caps``       how many leads may succeed in a minute, an hour, a day
``flow``       asks them in order and remembers what was accepted
``meta``       what ``/meta`` tells of it all. Pure

Rule 1: nothing in a file is ever evaluated; a rule is an operator of a closed list.
Rule 2: no reason tells a value of the lead, only the rule's own.
"""
