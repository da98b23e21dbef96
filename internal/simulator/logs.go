package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const logPrefix = "/_logs/"

// jobLogs answers with the address of a log file, good for a minute.
func (g *GitHub) jobLogs(q *request) *answer {
	_, j := q.findJob()
	switch {
	case j == nil || !j.finished(q.at) || !j.hasRunner():
		return notFound()
	case q.at.Sub(j.FinishedAt) > g.opts.LogRetention:
		return failure(http.StatusGone, "Server Error", docsURL+"/actions/workflow-jobs#download-job-logs-for-a-workflow-run")
	}
	origin := g.opts.LogOrigin
	if origin == "" {
		origin = q.place.html
	}
	a := &answer{status: http.StatusFound, header: http.Header{}, noTag: true}
	a.header.Set("Location", fmt.Sprintf("%s%s%d/%d", origin, logPrefix, q.job, q.at.Add(logLife).Unix()))
	return a
}

// logFile is the blob store behind the redirect. It wants none of GitHub's credentials.
func (g *GitHub) logFile(q *request) *answer {
	text := func(status int, body string) *answer {
		a := &answer{status: status, header: http.Header{}, body: []byte(body), noTag: true}
		a.header.Set("Content-Type", "text/plain; charset=utf-8")
		return a
	}
	job, expiry, _ := strings.Cut(strings.TrimPrefix(q.http.URL.Path, logPrefix), "/")
	switch {
	case q.http.Header.Get("Authorization") != "":
		return text(http.StatusBadRequest, "InvalidAuthenticationInfo\n")
	case q.at.After(time.Unix(number(expiry), 0)):
		return text(http.StatusForbidden, "AuthenticationFailed: the signature has expired\n")
	}
	return text(http.StatusOK, q.at.UTC().Format("2006-01-02T15:04:05.0000000Z")+" log of job "+job+"\n")
}
