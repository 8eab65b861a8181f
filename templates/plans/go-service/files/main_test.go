package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func get(path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	routes().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}

func TestItSaysThatItIsWell(t *testing.T) {
	if answer := get("/healthz"); answer.Code != http.StatusOK || answer.Body.String() != "ok\n" {
		t.Fatalf("got %d %q", answer.Code, answer.Body)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	if answer := get("/nothing"); answer.Code != http.StatusNotFound {
		t.Fatalf("got %d", answer.Code)
	}
}
