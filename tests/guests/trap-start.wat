;; Traps in the start function.
;; Expected: trapped.

(start $start)
(func $start unreachable)
