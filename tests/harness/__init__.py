"""The crash harness: lists, a sandbox process, children that die, and the judge.

``lists``      inputs whose rows can be found again, full of canaries
``judge``      a sandbox process and the log of what it took
``moody``      a sandbox that takes other faults while it runs
``child``      a command in a process of its own, and how to kill it at a chosen moment
``nursery``    children that start quickly, where nobody needs to watch them
``snapshot``   what a ledger's files hold, looked at through a copy
``rules``      the invariants I1 to I6
``campaign``   crash, resume, crash again, until done; then ask the judge
``model``      what may have become of each lead, whatever was done so far
``desk``       runs, lists, lost power, copies and decisions; after each the model is asked
``machine``    all of these in any order
"""
