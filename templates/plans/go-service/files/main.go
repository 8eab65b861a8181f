// Listens at PORT. Only the standard library, so that the first build waits for nobody.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "Hello from {{ name }}.")
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return mux
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	server := &http.Server{
		Addr:              "127.0.0.1:" + port,
		Handler:           routes(),
		ReadHeaderTimeout: 30 * time.Second,
	}
	log.Printf("listening at http://%s", server.Addr)
	log.Fatal(server.ListenAndServe())
}
