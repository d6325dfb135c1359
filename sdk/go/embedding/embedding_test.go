package embedding

import "testing"

func TestNativelyTextsWithTheSameWordsAreAlike(t *testing.T) {
	v, err := Embed("Where is my order?", "my order, where is", "Good morning", "")
	if err != nil || len(v) != 4 {
		t.Fatal(err)
	}
	if s := Similarity(v[0], v[1]); s < 0.999 {
		t.Error(s)
	}
	if s := Similarity(v[0], v[2]); s > 0.1 {
		t.Error(s)
	}
	if s := Similarity(v[3], v[3]); s < 0.999 {
		t.Error(s)
	}
}
