package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Description is one OpenAPI description, ready to judge requests and answers below a base URL.
type Description struct {
	base   string // path of the base URL, "" or "/api/v3"
	router routers.Router
}

// ErrNotDescribed is returned for a request that the description has no operation for.
var ErrNotDescribed = errors.New("not in the description")

// LoadDescription reads a description and serves it below baseURL. Descriptions whose own paths begin with the base
// path, as the copy for a mock server of GitHub Enterprise does, are served as they are.
func LoadDescription(file, baseURL string) (*Description, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("loading description %s: %w", file, err)
	}
	base, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("parsing base URL: %w", err)
	}
	server := *base
	for path := range doc.Paths.Map() {
		if base.Path != "" && strings.HasPrefix(path, base.Path+"/") {
			server.Path = ""
		}
		break // all of them or none
	}
	doc.Servers = openapi3.Servers{{URL: server.String()}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("routing description %s: %w", file, err)
	}
	return &Description{base: base.Path, router: router}, nil
}

// Operation returns the operationId of a request, or ErrNotDescribed.
func (d *Description) Operation(r *http.Request) (string, error) {
	in, err := d.input(r)
	if err != nil {
		return "", err
	}
	return in.Route.Operation.OperationID, nil
}

// CheckRequest reports what is wrong with a request: unknown operation, parameters of the wrong form, and, stricter
// than the description's own semantics, query parameters it does not name. GitHub ignores those in silence, so a
// misspelt one would never be noticed.
func (d *Description) CheckRequest(ctx context.Context, r *http.Request) error {
	in, err := d.input(r)
	if err != nil {
		return err
	}
	if err := openapi3filter.ValidateRequest(ctx, in); err != nil {
		return fmt.Errorf("%s %s: %w", r.Method, r.URL.RequestURI(), err)
	}
	for name := range r.URL.Query() {
		if in.Route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return fmt.Errorf("%s %s: %s has no query parameter %q", r.Method, r.URL.RequestURI(), in.Route.Operation.OperationID, name)
		}
	}
	return nil
}

// CheckAnswer reports where an answer departs from the schema of its operation and status, one line for each place.
func (d *Description) CheckAnswer(ctx context.Context, r *http.Request, status int, header http.Header, body []byte) error {
	in, err := d.input(r)
	if err != nil {
		return err
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in,
		Status:                 status,
		Header:                 header,
		Options: &openapi3filter.Options{
			IncludeResponseStatus:   true,
			MultiError:              true,
			SchemaValidationOptions: answerOptions(),
		},
	}
	response.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(ctx, response); err != nil {
		return fmt.Errorf("%s %s: %s: %s", r.Method, r.URL.RequestURI(), in.Route.Operation.OperationID, strings.Join(places(err), "\n\t"))
	}
	return nil
}

func (d *Description) input(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	route, parameters, err := d.router.FindRoute(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w (%w)", r.Method, r.URL.Path, ErrNotDescribed, err)
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}, nil
}

// answerOptions adds the formats the library leaves unchecked but GitHub's schemas use.
func answerOptions() []openapi3.SchemaValidationOption {
	absolute := openapi3.NewCallbackValidator(func(value string) error {
		u, err := url.Parse(value)
		if err != nil {
			return fmt.Errorf("not a URI: %w", err)
		}
		if !u.IsAbs() {
			return errors.New("not an absolute URI")
		}
		return nil
	})
	return []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidator("uri", absolute)}
}

// places flattens a tree of errors to one line for each schema error, without the schema and the value at length.
func places(err error) []string {
	var many openapi3.MultiError
	var schema *openapi3.SchemaError
	var answer *openapi3filter.ResponseError
	switch {
	case errors.As(err, &answer) && answer.Err != nil:
		return places(answer.Err)
	case errors.As(err, &many):
		var lines []string
		for _, one := range many {
			lines = append(lines, places(one)...)
		}
		return lines
	case errors.As(err, &schema):
		value := fmt.Sprintf("%v", schema.Value)
		if len(value) > 60 {
			value = value[:60] + "…"
		}
		return []string{fmt.Sprintf("/%s: %s: %s (%s)", strings.Join(schema.JSONPointer(), "/"), schema.SchemaField, schema.Reason, value)}
	default:
		return []string{err.Error()}
	}
}
