;; A core module that does not say which component it is.
;; Expected: refused.
;; without metadata


