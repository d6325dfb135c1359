;; A file that was cut in the middle of its component type, as while it is copied.
;; Expected: refused.
;; bytes: 1500


