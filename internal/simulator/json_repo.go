package simulator

import (
	"encoding/base64"
	"hash/fnv"
	"strings"
)

// place is where the server is reached: what URLs in bodies begin with.
type place struct {
	api  string // scheme, host and base path
	html string // scheme and host
}

func nodeID(prefix string, id int64) string {
	return prefix + "_kwDO" + base64.RawURLEncoding.EncodeToString([]byte(i64(id)))
}

// accountID is a number for a login, the same everywhere.
func accountID(login string) int64 {
	h := fnv.New32a()
	h.Write([]byte(strings.ToLower(login)))
	return 1000 + int64(h.Sum32()%90_000_000)
}

func accountJSON(p place, login string, user bool) []byte {
	o := newObject(nil)
	id := accountID(login)
	api := p.api + "/users/" + login
	o.str("login", login)
	o.num("id", id)
	o.str("node_id", nodeID("U", id))
	o.str("avatar_url", p.html+"/avatars/u/"+i64(id)+"?v=4")
	o.str("gravatar_id", "")
	o.str("url", api)
	o.str("html_url", p.html+"/"+login)
	o.str("followers_url", api+"/followers")
	o.str("following_url", api+"/following{/other_user}")
	o.str("gists_url", api+"/gists{/gist_id}")
	o.str("starred_url", api+"/starred{/owner}{/repo}")
	o.str("subscriptions_url", api+"/subscriptions")
	o.str("organizations_url", api+"/orgs")
	o.str("repos_url", api+"/repos")
	o.str("events_url", api+"/events{/privacy}")
	o.str("received_events_url", api+"/received_events")
	kind := "Organization"
	if user {
		kind = "User"
	}
	o.str("type", kind)
	o.str("user_view_type", "public")
	o.flag("site_admin", false)
	return o.end()
}

// repositoryURLs are the many links of a repository object: field and what follows the repository's own URL.
var repositoryURLs = [][2]string{
	{"forks_url", "/forks"}, {"keys_url", "/keys{/key_id}"}, {"collaborators_url", "/collaborators{/collaborator}"}, {"teams_url", "/teams"},
	{"hooks_url", "/hooks"}, {"issue_events_url", "/issues/events{/number}"}, {"events_url", "/events"}, {"assignees_url", "/assignees{/user}"},
	{"branches_url", "/branches{/branch}"}, {"tags_url", "/tags"}, {"blobs_url", "/git/blobs{/sha}"}, {"git_tags_url", "/git/tags{/sha}"},
	{"git_refs_url", "/git/refs{/sha}"}, {"trees_url", "/git/trees{/sha}"}, {"statuses_url", "/statuses/{sha}"}, {"languages_url", "/languages"},
	{"stargazers_url", "/stargazers"}, {"contributors_url", "/contributors"}, {"subscribers_url", "/subscribers"},
	{"subscription_url", "/subscription"}, {"commits_url", "/commits{/sha}"}, {"git_commits_url", "/git/commits{/sha}"},
	{"comments_url", "/comments{/number}"}, {"issue_comment_url", "/issues/comments{/number}"}, {"contents_url", "/contents/{+path}"},
	{"compare_url", "/compare/{base}...{head}"}, {"merges_url", "/merges"}, {"archive_url", "/{archive_format}{/ref}"},
	{"downloads_url", "/downloads"}, {"issues_url", "/issues{/number}"}, {"pulls_url", "/pulls{/number}"},
	{"milestones_url", "/milestones{/number}"}, {"notifications_url", "/notifications{?since,all,participating}"},
	{"labels_url", "/labels{/name}"}, {"releases_url", "/releases{/id}"}, {"deployments_url", "/deployments"},
}

// repositoryJSON is the short form that lists and runs carry, or the full one of the repository's own endpoint.
func repositoryJSON(p place, r *repository, full bool) []byte {
	o := newObject(nil)
	owner, name, _ := strings.Cut(r.name(), "/")
	api := p.api + "/repos/" + r.name()
	html := p.html + "/" + r.name()
	o.num("id", r.id)
	o.str("node_id", nodeID("R", r.id))
	o.str("name", name)
	o.str("full_name", r.name())
	o.flag("private", r.plan.Private)
	o.raw("owner", accountJSON(p, owner, r.plan.User))
	o.str("html_url", html)
	o.null("description")
	o.flag("fork", r.plan.Fork)
	o.str("url", api)
	for _, u := range repositoryURLs {
		o.str(u[0], api+u[1])
	}
	if !full {
		return o.end()
	}
	host := strings.TrimPrefix(strings.TrimPrefix(p.html, "http://"), "https://")
	o.time("created_at", r.born.AddDate(-1, 0, 0))
	o.time("updated_at", r.born)
	pushed := r.born
	if !r.plan.PushedAt.IsZero() {
		pushed = r.plan.PushedAt
	}
	o.time("pushed_at", pushed)
	o.str("git_url", "git://"+host+"/"+r.name()+".git")
	o.str("ssh_url", "git@"+host+":"+r.name()+".git")
	o.str("clone_url", html+".git")
	o.str("svn_url", html)
	o.null("homepage")
	o.num("size", 11391)
	o.num("stargazers_count", 7)
	o.num("watchers_count", 7)
	o.str("language", "Go")
	for _, has := range []string{"issues", "projects", "downloads", "wiki"} {
		o.flag("has_"+has, true)
	}
	o.flag("has_pages", false)
	o.flag("has_discussions", false)
	o.num("forks_count", 0)
	o.null("mirror_url")
	o.flag("archived", r.plan.Archived)
	o.flag("disabled", r.plan.Disabled)
	o.num("open_issues_count", 3)
	o.null("license")
	o.flag("allow_forking", true)
	o.flag("is_template", false)
	o.flag("web_commit_signoff_required", false)
	o.strings("topics", nil)
	visibility := "public"
	if r.plan.Private {
		visibility = "private"
	}
	o.str("visibility", visibility)
	o.num("forks", 0)
	o.num("open_issues", 3)
	o.num("watchers", 7)
	o.str("default_branch", r.plan.DefaultBranch)
	o.raw("permissions", []byte(`{"admin":false,"maintain":false,"push":false,"triage":false,"pull":true}`))
	return o.end()
}

// wholeRepositoryJSON adds what only the repository's own endpoint has.
func wholeRepositoryJSON(p place, r *repository) []byte {
	o := object{repositoryJSON(p, r, true)}
	o.b = o.b[:len(o.b)-1]
	o.num("network_count", 0)
	o.num("subscribers_count", 2)
	return o.end()
}
