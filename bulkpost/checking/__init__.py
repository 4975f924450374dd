"""What LeadConduit will make of a list's values, before anything is sent. Pure.

``column_types`` says which type each column has; ``examination`` counts over a whole list how its
values will be read; ``screening`` refuses a row by that, or sends what LeadConduit would read
(``normal``).
"""
