"""Pages for people: the results of a scale, tables, replies before and after tuning."""
