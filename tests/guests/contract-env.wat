;; Imports what Emscripten and C libraries take for granted.
;; Expected: refused.

(import "env" "abort" (func))
