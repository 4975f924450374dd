"""The mutation check: what mutmut makes is tried, explained, and counted.

``mutants``    what mutmut made and found, read from its folder
``trial``      tests against one mutant after the other, each in a fork
``check``      every mutant, against the tests that call its function
``by_hand``    mutants that mutmut cannot make: SQL, constants, tables
``score``      the table, and every survivor that nobody has explained
"""
