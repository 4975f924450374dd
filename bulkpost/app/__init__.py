"""The composition root: the only package that knows every concrete class.

``order``       what was asked for, and who watches
``items``       what is sent: ``leads``, or something else; the rest is the same for both
``place``       where it goes
``inputs``      the files, taken in and mapped
``steady``      an input that may change while it is submitted
``preview``     what would happen
``submission``  the runs
``commands``    ``submit`` and ``check``, which join these
``reconciling`` ``doubt reconcile``; ``records_client`` asks LeadConduit
"""
