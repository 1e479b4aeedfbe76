"""Stand-ins for the outside, with their own books and faults on demand.

Way in: `run.build_server` (one server: systems under `/odoo`, `/psp`, `/bank`, control under `/world`, books under
`/books`), or `stage.build_world` without sockets. `scenario` is what happens, `judgement` what has to be true
afterwards.
May not be here: anything of Nostro but the model, since the sandbox has to judge the rest.
"""
