package githubapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	maxErrorBody  = 64 << 10 // enough for any message
	maxKeptBuffer = 4 << 20  // a page of 100 runs is about 1.5 MB
)

// buffer gives an empty one; decoding copies out of it, so it is used again.
func (c *Client) buffer() *bytes.Buffer {
	if b, ok := c.buffers.Get().(*bytes.Buffer); ok {
		b.Reset()
		return b
	}
	return new(bytes.Buffer)
}

func (c *Client) release(b *bytes.Buffer) {
	if b.Cap() <= maxKeptBuffer {
		c.buffers.Put(b)
	}
}

// read takes the whole body into the buffer, decompressed and limited. Of an answer that is not 200 only so much is
// read that a message would fit.
func (c *Client) read(into *bytes.Buffer, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		body, err := decompress(resp)
		if err != nil {
			return err
		}
		_, err = io.Copy(into, io.LimitReader(body, min(maxErrorBody, c.maxBody)))
		return err
	}
	body, err := decompress(resp)
	if err != nil {
		return fmt.Errorf("the answer is cut or broken: %w", err)
	}
	switch n, err := into.ReadFrom(io.LimitReader(body, c.maxBody+1)); {
	case n > c.maxBody:
		return fmt.Errorf("%w than %d bytes", errTooLarge, c.maxBody)
	case err != nil:
		return fmt.Errorf("the answer is cut or broken: %w", err)
	}
	return nil
}

// errTooLarge is in the chain of every error that a smaller page can mend.
var errTooLarge = errors.New("the answer is larger")

// decompress undoes gzip, which was asked for, unless the transport has done so itself.
func decompress(resp *http.Response) (io.Reader, error) {
	switch encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); {
	case encoding == "" || encoding == "identity" || resp.Uncompressed:
		return resp.Body, nil
	case encoding == "gzip" || encoding == "x-gzip":
		return gzip.NewReader(resp.Body)
	default:
		return nil, errors.New("content encoding " + encoding + " was not asked for")
	}
}

// describeBody says in what way an answer with status 200 is none.
func describeBody(err error, h http.Header) error {
	if kind := strings.ToLower(h.Get("Content-Type")); strings.Contains(kind, "html") {
		return fmt.Errorf("the answer is HTML, not JSON (a proxy or login page in between?): %w", err)
	}
	return fmt.Errorf("the answer cannot be decoded: %w", err)
}
