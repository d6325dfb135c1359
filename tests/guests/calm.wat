;; Allows everything: the prelude alone.

