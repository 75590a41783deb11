// Command verify checks a log over HTTP with Go's own packages alone: the signature of its
// checkpoint, that the entry with an index is in the tree, and, of each older checkpoint that is
// named, that the tree of today begins with it.
//
//	verify URL VKEY INDEX [OLDER-CHECKPOINT-FILE...]
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func fetch(url string) ([]byte, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func open(checkpoint []byte, verifier note.Verifier) tlog.Tree {
	signed := must(note.Open(checkpoint, note.VerifierList(verifier)))
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 3 || lines[0] != verifier.Name() {
		log.Fatal("no checkpoint of this log")
	}
	return tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64)), Hash: must(tlog.ParseHash(lines[2]))}
}

// tiles reads tiles of height 8 where tlog-tiles has them.
type tiles string

func (url tiles) Height() int { return 8 }

func (url tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (url tiles) ReadTiles(wanted []tlog.Tile) (all [][]byte, err error) {
	for _, tile := range wanted {
		data, err := fetch(string(url) + "/" + strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func entry(url string, index int64, size int64) []byte {
	tile := tlog.Tile{H: 8, L: 0, N: index / 256, W: int(min(256, size-index/256*256))}
	path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
	bundle := must(fetch(url + "/" + path))
	for range index % 256 {
		bundle = bundle[2+binary.BigEndian.Uint16(bundle):]
	}
	return bundle[2 : 2+binary.BigEndian.Uint16(bundle)]
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("verify URL VKEY INDEX [OLDER-CHECKPOINT-FILE...]")
	}
	url := strings.TrimSuffix(os.Args[1], "/")
	verifier, index := must(note.NewVerifier(os.Args[2])), must(strconv.ParseInt(os.Args[3], 10, 64))
	tree := open(must(fetch(url+"/checkpoint")), verifier)
	hashes := tlog.TileHashReader(tree, tiles(url))
	leaf := entry(url, index, tree.N)
	proof := must(tlog.ProveRecord(tree.N, index, hashes))
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("signed by %s: %d entries; of these %d:\n%s", verifier.Name(), tree.N, index, leaf)
	for _, name := range os.Args[4:] {
		older := open(must(os.ReadFile(name)), verifier)
		proof := must(tlog.ProveTree(tree.N, older.N, hashes))
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("begins with the %d entries of %s\n", older.N, name)
	}
}
