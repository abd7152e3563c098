// Verifies logs with Go's golang.org/x/mod/sumdb: signed notes by note, tiles and proofs by tlog.
// Each line of the input is a verifier key, a tab and a folder; each line of the output a verdict.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height, width = 8, 256

type folder string

func (f folder) Height() int                          { return height }
func (f folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := f.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", tile.Path(), len(data))
		}
		all = append(all, data)
	}
	return all, nil
}

func (f folder) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), path))
}

func (f folder) bundle(number int64, count int) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: -1, N: number, W: count}
	data, err := f.read(strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(entries) < count {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, errors.New("a bundle ends within an entry")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries, data = append(entries, data[2:end]), data[end:]
	}
	if len(data) > 0 {
		return nil, errors.New("bytes follow the entries of a bundle")
	}
	return entries, nil
}

func (f folder) checkpoint(path, key string) (tlog.Tree, error) {
	var tree tlog.Tree
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tree, err
	}
	data, err := f.read(path)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tree, errors.New("the note is no checkpoint of this log")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || copy(tree.Hash[:], root) != tlog.HashSize {
		return tree, errors.New("the root is no hash")
	}
	return tree, nil
}

func (f folder) verify(key string) error {
	tree, err := f.checkpoint("checkpoint", key)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, f)
	for number := int64(0); number*width < tree.N; number++ {
		if err := f.verifyBundle(tree, number, hashes); err != nil {
			return err
		}
	}
	return f.verifyEarlier(tree, key, hashes)
}

func (f folder) verifyBundle(tree tlog.Tree, number int64, hashes tlog.HashReader) error {
	first := number * width
	entries, err := f.bundle(number, int(min(width, tree.N-first)))
	if err != nil {
		return err
	}
	var indexes []int64
	for at := range entries {
		indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(at)))
	}
	leaves, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for at, entry := range entries {
		index, leaf := first+int64(at), tlog.RecordHash(entry)
		if leaves[at] != leaf {
			return fmt.Errorf("entry %d is not that of its tile", index)
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return err
		}
	}
	return nil
}

func (f folder) verifyEarlier(tree tlog.Tree, key string, hashes tlog.HashReader) error {
	paths, err := filepath.Glob(filepath.Join(string(f), "earlier", "*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		earlier, err := f.checkpoint("earlier/"+filepath.Base(path), key)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, earlier.N, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		key, path, _ := strings.Cut(lines.Text(), "\t")
		if err := folder(path).verify(key); err != nil {
			fmt.Println("refused: " + strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("accepted")
		}
	}
}
