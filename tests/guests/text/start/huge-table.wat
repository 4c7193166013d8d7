;; Wants a table that is as large as tables can be.
(table $huge 4294967295 funcref)
