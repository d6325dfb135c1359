//go:build !wasip1

package embedding

import (
	"hash/fnv"
	"math"
	"strings"
	"unicode"
)

// dimensions are so many that two words of a test hardly meet.
const dimensions = 4096

func hostEmbed(texts []string) ([][]float32, error) {
	var vectors [][]float32
	for _, text := range texts {
		vector := make([]float32, dimensions)
		words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, word := range words {
			hash := fnv.New32a()
			hash.Write([]byte(strings.ToLower(word)))
			vector[hash.Sum32()%dimensions]++
		}
		var square float64
		for _, v := range vector {
			square += float64(v) * float64(v)
		}
		if square == 0 {
			// Nothing is like nothing else.
			vector[0], square = 1, 1
		}
		for i := range vector {
			vector[i] /= float32(math.Sqrt(square))
		}
		vectors = append(vectors, vector)
	}
	return vectors, nil
}
