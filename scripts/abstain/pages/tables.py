"""Tables as pages."""


def whole_table(rows: list[dict]) -> dict:
    """A table as the one section of a page, every value as the file has it; a cell is (text, mark, words)."""
    cells = [[(value, "number" if _is_number(value) else "", "") for value in row.values()] for row in rows]
    columns, note = (list(rows[0]), "") if rows else ([], "There is no row.")
    return {"name": "", "note": note, "columns": columns, "rows": cells}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
