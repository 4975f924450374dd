"""The composition root: the only package that knows every concrete class.

``order``       what was asked for, and who watches
``place``       where the leads go
``inputs``      the files, taken in and mapped
``preview``     what would happen
``submission``  the runs
``commands``    ``submit`` and ``check``, which join these
"""
