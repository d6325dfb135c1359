;; Allows everything: a component in the text format, the prelude alone.
;; component

