package http

import "testing"

func TestNativelyATestSaysWhatIsAnswered(t *testing.T) {
	defer AnswerWith(nil)
	request := Post("crm", "/a", []byte("x")).WithHeader("x-b", "c")
	if _, err := request.Send(); err == nil {
		t.Error("somebody answers")
	}
	AnswerWith(func(r Request) (Response, error) { return Response{Status: 201, Headers: r.Headers, Body: r.Body}, nil })
	got, err := request.Send()
	if err != nil || got.Status != 201 || got.Headers[0].Value != "c" || string(got.Body) != "x" {
		t.Errorf("%+v %v", got, err)
	}
}
