// A plugin as a Go programmer would write it with the standard library
// alone: the same token check, the same hello, a JSON reply.
//
// It listens on what -listen names, host:port or unix:path.
package main

import (
	"crypto/subtle"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const maxBody = 2 << 20

type parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type outputs struct {
	Parameters []parameter `json:"parameters,omitempty"`
}

type arguments struct {
	Workflow struct {
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
			UID       string `json:"uid"`
		} `json:"metadata"`
	} `json:"workflow"`
	Template struct {
		Name   string `json:"name"`
		Inputs struct {
			Parameters []parameter `json:"parameters"`
		} `json:"inputs"`
		Plugin map[string]json.RawMessage `json:"plugin"`
	} `json:"template"`
}

type node struct {
	Phase   string  `json:"phase"`
	Message string  `json:"message"`
	Outputs outputs `json:"outputs"`
}

type reply struct {
	Node *node `json:"node,omitempty"`
}

type plugin struct {
	bearer []byte
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": text})
}

// hello answers the seed's two keys, with an optional text in the body.
func hello(body json.RawMessage) *node {
	var options struct {
		Text *string `json:"text"`
	}
	text := "template"
	if err := json.Unmarshal(body, &options); err != nil {
		return &node{Phase: "Failed", Message: err.Error()}
	}
	if options.Text != nil {
		text = *options.Text
	}
	message := "Hello " + text + "!"
	return &node{Phase: "Succeeded", Message: message,
		Outputs: outputs{[]parameter{{"greeting", text}}}}
}

func (p *plugin) execute(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		refuse(w, http.StatusMethodNotAllowed, "use POST")
		return
	}
	given := []byte(r.Header.Get("Authorization"))
	if subtle.ConstantTimeCompare(given, p.bearer) != 1 {
		refuse(w, http.StatusForbidden, "wrong token")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "body too large")
		return
	}
	var args arguments
	if err := json.Unmarshal(body, &args); err != nil {
		refuse(w, http.StatusBadRequest, "body is not a call")
		return
	}
	var answer reply
	for _, key := range []string{"hello", "howdy"} {
		if body, found := args.Template.Plugin[key]; found {
			answer.Node = hello(body)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:4355", "address")
	tokenFile := flag.String("token-file", "/var/run/argo/token", "file")
	flag.Parse()

	token, err := os.ReadFile(*tokenFile)
	if err != nil {
		log.Fatal(err)
	}
	network, address := "tcp", *listen
	if path, found := strings.CutPrefix(address, "unix:"); found {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	p := &plugin{[]byte("Bearer " + strings.TrimSpace(string(token)))}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/template.execute", p.execute)
	server := &http.Server{Handler: mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       120 * time.Second}
	log.Fatal(server.Serve(listener))
}
