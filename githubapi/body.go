package githubapi

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	maxErrorBody  = 64 << 10 // enough for any message
	maxKeptBuffer = 4 << 20  // a page of 100 runs is about 1.5 MB
	firstBuffer   = 64 << 10
)

// buffer gives an empty one; decoding copies out of it, so it is used again.
func (c *Client) buffer() *[]byte {
	if b, ok := c.buffers.Get().(*[]byte); ok {
		*b = (*b)[:0]
		return b
	}
	return new([]byte)
}

func (c *Client) release(b *[]byte) {
	if cap(*b) <= maxKeptBuffer {
		c.buffers.Put(b)
	}
}

// read takes the whole body into the buffer, decompressed and limited. Of an answer that is not 200 only so much is
// read that a message would fit.
func (c *Client) read(ctx context.Context, into *[]byte, resp *http.Response) error {
	body, err := decompress(resp)
	if resp.StatusCode != http.StatusOK {
		if err != nil {
			return err
		}
		if err = take(ctx, into, body, min(maxErrorBody, c.maxBody)); errors.Is(err, errTooLarge) {
			return nil
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("the answer is cut or broken: %w", err)
	}
	switch err := take(ctx, into, body, c.maxBody); {
	case errors.Is(err, errTooLarge):
		return fmt.Errorf("%w than %d bytes", err, c.maxBody)
	case err != nil:
		return fmt.Errorf("the answer is cut or broken: %w", err)
	}
	return nil
}

// errTooLarge is in the chain of every error that a smaller page can mend.
var errTooLarge = errors.New("the answer is larger")

// take reads to the end into the buffer, which never grows beyond limit + 1 bytes; with errTooLarge it holds the first
// limit bytes. It ends with its context also where what comes was received long ago, as a bomb of gzip is.
func take(ctx context.Context, into *[]byte, from io.Reader, limit int64) error {
	for {
		b := *into
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(max(2*int64(cap(b)), firstBuffer), limit+1))
			copy(grown, b)
			b = grown
		}
		n, err := from.Read(b[len(b):min(int64(cap(b)), limit+1)])
		*into = b[:len(b)+n]
		switch {
		case int64(len(*into)) > limit:
			*into = (*into)[:limit]
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

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
