;; A file that was cut in the middle of its code, as while it is copied.
;; Expected: refused.
;; bytes: 500


