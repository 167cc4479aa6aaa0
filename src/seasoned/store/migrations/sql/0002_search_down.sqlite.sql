-- Undoes 0002_search on SQLite. Triggers of patterns go with the table.
DROP TRIGGER library_pattern_usages_inserted;
DROP TRIGGER library_pattern_usages_updated;
DROP TRIGGER library_pattern_usages_deleted;
DROP TRIGGER library_pattern_templates_inserted;
DROP TRIGGER library_pattern_templates_updated;
DROP TRIGGER library_pattern_templates_deleted;
DROP TRIGGER library_vector_inserted;
DROP TRIGGER library_vector_updated;
DROP TRIGGER library_vector_deleted;
