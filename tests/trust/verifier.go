// Checks heads and proofs with Go's own golang.org/x/mod/sumdb, which nobody here wrote. Reads cases as JSON from
// standard input, and prints for each whether it is accepted.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type testCase struct {
	Sort   string
	Key    string
	Note   string
	Old    string
	Entry  string
	Number int64
	Hashes []string
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	accepted := make([]bool, len(cases))
	for i, c := range cases {
		accepted[i] = check(c) == nil
	}
	json.NewEncoder(os.Stdout).Encode(accepted)
}

func check(c testCase) error {
	newer, err := open(c.Key, c.Note)
	if err != nil || c.Sort == "head" {
		return err
	}
	hashes := []tlog.Hash{}
	for _, text := range c.Hashes {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	if c.Sort == "inclusion" {
		return tlog.CheckRecord(hashes, newer.N, newer.Hash, c.Number, tlog.RecordHash([]byte(c.Entry)))
	}
	older, err := open(c.Key, c.Old)
	if err != nil {
		return err
	}
	return tlog.CheckTree(hashes, newer.N, newer.Hash, older.N, older.Hash)
}

func open(key, text string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}
