;; A file that is named like a plugin and holds text.
;; Expected: refused.
;; bytes: text


