// Package embedding gives numbers that stand for meaning, for plugins whose installation has `[grants.embedding]`; in
// Configure too.
//
// Natively, in tests, a text's words make them: texts with the same words have the same vector, and those without a word in
// common are at a right angle.
package embedding

// Embed gives one vector of unit length for each text, of which there may be 1,024 in a call.
func Embed(texts ...string) ([][]float32, error) {
	return hostEmbed(texts)
}

// Similarity gives how alike two vectors of unit length are: the cosine of the angle between them, from -1 to 1.
func Similarity(one, other []float32) float32 {
	var sum float32
	for i := range min(len(one), len(other)) {
		sum += one[i] * other[i]
	}
	return sum
}
