// Command vectors prints the test vectors of tests/vectors, made by Go's own packages for signed
// notes and transparency logs: `go run ./vectors notes` and `go run ./vectors trees`.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type object = map[string]any

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// newKey is a key of 32 bytes that a text stands for, private and public.
func newKey(name, seed string) (string, string) {
	sum := sha256.Sum256([]byte(seed))
	private, public, err := note.GenerateKey(bytes.NewReader(sum[:]), name)
	if err != nil {
		log.Fatal(err)
	}
	return private, public
}

// notes signs some texts with keys made of seeds that are known.
func notes() []object {
	var all []object
	names := []string{"example.com/log", "localhost/audit-log-0a1b2c3d", "ascolti.example/però"}
	for i, name := range names {
		private, public := newKey(name, fmt.Sprintf("seed %d", i))
		signer := must(note.NewSigner(private))
		private2, _ := newKey("other.example/key", "other seed")
		second := must(note.NewSigner(private2))
		for _, text := range []string{"one line\n", "two\n\nlines, più\n", name + "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"} {
			all = append(all, object{
				"private": private, "public": public, "text": text,
				"signed":        string(must(note.Sign(&note.Note{Text: text}, signer))),
				"signed_by_two": string(must(note.Sign(&note.Note{Text: text}, signer, second))),
			})
		}
	}
	return all
}

// stored keeps the hashes of a tree as tlog numbers them.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, index := range indexes {
		hashes = append(hashes, s[index])
	}
	return hashes, nil
}

func texts(hashes []tlog.Hash) []string {
	lines := []string{}
	for _, hash := range hashes {
		lines = append(lines, base64.StdEncoding.EncodeToString(hash[:]))
	}
	return lines
}

// trees has roots, proofs and tiles of trees whose leaf with index i is "leaf i".
func trees() object {
	const largest = 70_000
	sizes := []int64{1, 2, 3, 4, 7, 8, 9, 255, 256, 257, 511, 600, 65536, 65537, largest}
	var hashes stored
	for i := int64(0); i < largest; i++ {
		hashes = append(hashes, must(tlog.StoredHashes(i, []byte(fmt.Sprintf("leaf %d", i)), hashes))...)
	}
	var roots, inclusion, consistency, tiles []object
	for i, size := range sizes {
		root := must(tlog.TreeHash(size, hashes))
		roots = append(roots, object{"size": size, "root": root.String()})
		for _, index := range []int64{0, size / 3, size - 1} {
			proof := must(tlog.ProveRecord(size, index, hashes))
			inclusion = append(inclusion, object{"size": size, "index": index, "proof": texts(proof)})
		}
		for _, old := range sizes[:i+1] {
			proof := must(tlog.ProveTree(size, old, hashes))
			consistency = append(consistency, object{"old": old, "new": size, "proof": texts(proof)})
		}
	}
	for _, tile := range tlog.NewTiles(8, 0, largest) {
		if tile.L == 0 && tile.N%90 != 3 && tile.W == 256 {
			continue
		}
		sum := sha256.Sum256(must(tlog.ReadTileData(tile, hashes)))
		tiles = append(tiles, object{
			"path": strings.TrimPrefix(tile.Path(), "tile/8/"), "level": tile.L, "index": tile.N,
			"width": tile.W, "sha256": hex.EncodeToString(sum[:]),
		})
	}
	var paths []object
	for _, index := range []int64{0, 999, 1000, 1234067, 1000000000} {
		for _, width := range []int{256, 1, 255} {
			tile := tlog.Tile{H: 8, L: 0, N: index, W: width}
			paths = append(paths, object{"index": index, "width": width, "path": strings.TrimPrefix(tile.Path(), "tile/8/0/")})
		}
	}
	return object{"roots": roots, "inclusion": inclusion, "consistency": consistency, "tiles": tiles, "paths": paths}
}

func main() {
	var vectors any = trees()
	if len(os.Args) == 2 && os.Args[1] == "notes" {
		vectors = notes()
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(vectors); err != nil {
		log.Fatal(err)
	}
}
