;; A version that is not a semantic version.
;; Expected: refused.

(data $description (i32.const 64) "{name}")
(data (i32.const 128) "newer")
(data (i32.const 144) "a guest of the tests")
