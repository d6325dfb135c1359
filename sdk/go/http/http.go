// Package http calls services that the operator named, for plugins whose installation has `[grants.http]`. A plugin says the
// name of a destination and a path; where that is, and what credential it wants, the host knows.
//
// Natively, in tests, AnswerWith says what is answered.
package http

import sluicegate "github.com/sluicegate/sluicegate/sdk/go"

// Get makes a GET.
func Get(destination, path string) Request {
	return Request{Destination: destination, Method: "GET", Path: path}
}

// Post makes a POST with this body.
func Post(destination, path string, body []byte) Request {
	return Request{Destination: destination, Method: "POST", Path: path, Body: body}
}

// WithHeader gives the same request, with a header.
func (r Request) WithHeader(name, value string) Request {
	r.Headers = append(r.Headers[:len(r.Headers):len(r.Headers)], sluicegate.Attribute{Name: name, Value: value})
	return r
}

// Send sends it. A status like 404 is an answer; an *Error says why there is none.
func (r Request) Send() (Response, error) {
	return hostSend(r)
}

// Error says what went wrong.
func (e *Error) Error() string {
	switch e.Case {
	case ErrorUnknownDestination:
		return "there is no such destination"
	case ErrorTimeout:
		return "there was no answer in time"
	case ErrorTooLarge:
		return "what is sent or came is too large"
	}
	return e.Message
}
