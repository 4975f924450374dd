"""What became of the rows: read models of the ledger, and the files made from them.

``summary``        a run and its input in numbers; the next command
``counts``         how often a reason was given, and something found
``history``        the runs of a ledger
``course``         how a run went over time; ``run_report``: all of a run in one read model
``next_steps``     what a person does then
``row_life``       one row, its attempts and decisions; ``support``: what support asks for
``doubts``         rows whose fate is unknown; ``row_reference`` is how a row is named
``sought``         such rows, with all by which LeadConduit may know them; ``reconciled``: what
                   follows from what it shows
``export``         the original columns and what became of each row, into a ``private_file``;
                   ``results_file`` has a writer per format, ``private_columns`` and ``spreadsheet``
                   what must not be in it
``soundness``      whether a ledger is whole and every row accounted for
``status``         the exit status of a run
``page``           a report as one HTML page
``render``         all of it on a terminal, from ``tables``; ``render_report``: a run in full;
                   ``wording`` puts values into words

They read; what changes a ledger after a run is in ``bulkpost.ledger.decisions``.
"""
