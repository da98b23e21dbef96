package githubapi

// What is read of each kind of entry. Fields that say which execution it is and how it went have to be right, or the entry is
// undecodable; where and when it ran may be missing, and so is taken for missing what cannot be read.

// runEntry and the others are functions since the package keeps no state.
func runEntry() entry[Run] {
	return entry[Run]{
		read:  readRun,
		id:    func(r *Run) int64 { return r.ID },
		bad:   func(id int64, sum uint64) (Run, bool) { return Run{ID: id, Sum: sum, Undecodable: true}, true },
		bound: func(r *Run, s span) bool { return s.bindRun(r) },
	}
}

func jobEntry() entry[Job] {
	return entry[Job]{
		read:  readJob,
		id:    func(j *Job) int64 { return j.ID },
		bad:   func(id int64, sum uint64) (Job, bool) { return Job{ID: id, Sum: sum, Undecodable: true}, true },
		bound: func(j *Job, s span) bool { return s.bindJob(j) },
	}
}

func repositoryEntry() entry[Repository] {
	return entry[Repository]{
		read: readRepository,
		id: func(r *Repository) int64 {
			if !validName(r.FullName) {
				return 0
			}
			return r.ID
		},
		bad:   func(int64, uint64) (Repository, bool) { return Repository{}, false },
		bound: sound[Repository],
	}
}

// members reads an object; anything else is odd, but for null within another entry.
func (r *reader) members(name string, field func(key []byte)) {
	switch {
	case r.next() == '{':
		r.object(field)
	case name != "entry" && r.null():
	default:
		r.must(name, false)
		r.skip()
	}
}

// elements reads a list; false for anything else, which is odd, but for null.
func (r *reader) elements(name string, element func()) bool {
	switch {
	case r.next() == '[':
		r.list(element)
		return true
	case r.null():
	default:
		r.must(name, false)
		r.skip()
	}
	return false
}

func readRun(r *reader, run *Run) {
	r.members("entry", func(key []byte) {
		switch string(key) {
		case "id":
			r.must("id", r.whole(&run.ID))
		case "name":
			r.must("name", r.text(&run.Name))
		case "path":
			r.text(&run.Path)
		case "head_branch":
			r.text(&run.HeadBranch)
		case "event":
			r.must("event", r.text(&run.Event))
		case "status":
			r.must("status", r.text(&run.Status))
		case "conclusion":
			r.must("conclusion", r.text(&run.Conclusion))
		case "workflow_id":
			r.loose(&run.WorkflowID)
		case "run_attempt":
			r.must("run_attempt", r.small(&run.RunAttempt)) // a number that cannot be read says which attempt it is not
		case "run_number":
			r.loose(&run.RunNumber)
		case "created_at":
			r.time(&run.CreatedAt)
		case "updated_at":
			r.time(&run.UpdatedAt)
		case "run_started_at":
			r.time(&run.RunStartedAt)
		case "actor":
			r.members("actor", func(key []byte) {
				if string(key) == "login" {
					r.must("actor", r.text(&run.Actor.Login))
				} else {
					r.skip()
				}
			})
		case "node_id":
			r.node(&run.NodeID)
		case "check_suite_node_id":
			r.node(&run.CheckSuiteNodeID)
		case "repository":
			r.members("repository", func(key []byte) { r.repositoryField(key, &run.Repository) })
		default:
			r.skip()
		}
	})
}

func readJob(r *reader, job *Job) {
	r.members("entry", func(key []byte) {
		switch string(key) {
		case "id":
			r.must("id", r.whole(&job.ID))
		case "run_id":
			r.must("run_id", r.whole(&job.RunID))
		case "run_attempt":
			r.small(&job.RunAttempt)
		case "name":
			r.must("name", r.text(&job.Name))
		case "workflow_name":
			r.text(&job.WorkflowName)
		case "head_branch":
			r.text(&job.HeadBranch)
		case "html_url":
			r.text(&job.HTMLURL)
		case "status":
			r.must("status", r.text(&job.Status))
		case "conclusion":
			r.must("conclusion", r.text(&job.Conclusion))
		case "created_at":
			r.time(&job.CreatedAt)
		case "started_at":
			r.time(&job.StartedAt)
		case "completed_at":
			r.time(&job.CompletedAt)
		case "labels":
			job.Labels = r.labels()
		case "runner_id":
			r.loose(&job.RunnerID)
		case "runner_name":
			r.text(&job.RunnerName)
		case "runner_group_name":
			r.text(&job.RunnerGroupName)
		case "node_id":
			r.node(&job.NodeID)
		case "steps":
			job.Steps = r.readSteps()
		default:
			r.skip()
		}
	})
	if r.odd != "" {
		job.Steps = nil // not kept
	}
}

func (r *reader) labels() []string {
	labels := []string{}
	if !r.elements("labels", func() {
		if len(labels) == maxLabels {
			r.skip()
			return
		}
		var label string
		r.must("labels", r.text(&label))
		labels = append(labels, label)
	}) {
		return nil
	}
	return labels
}

func (r *reader) readSteps() []Step {
	steps := []Step{}
	if !r.elements("steps", func() {
		if len(steps) == maxSteps {
			r.must("number of steps", false)
		}
		if r.odd != "" { // the job is lost already
			r.skip()
			return
		}
		if r.steps++; r.steps > maxPageSteps {
			r.fail(errSteps)
			return
		}
		steps = append(steps, Step{})
		r.readStep(&steps[len(steps)-1])
	}) {
		return nil
	}
	return steps
}

func (r *reader) readStep(step *Step) {
	r.members("step", func(key []byte) {
		switch string(key) {
		case "name":
			r.must("name of a step", r.text(&step.Name))
		case "number":
			r.small(&step.Number)
		case "status":
			r.must("status of a step", r.text(&step.Status))
		case "conclusion":
			r.must("conclusion of a step", r.text(&step.Conclusion))
		case "started_at":
			r.time(&step.StartedAt)
		case "completed_at":
			r.time(&step.CompletedAt)
		default:
			r.skip()
		}
	})
}

// maxNodeID is longer than any id of GraphQL.
const maxNodeID = 200

// node reads an id of GraphQL, and takes for missing what is none.
func (r *reader) node(into *string) {
	if r.text(into); len(*into) > maxNodeID {
		*into = ""
	}
}

func readRepository(r *reader, repo *Repository) {
	r.members("entry", func(key []byte) { r.repositoryField(key, repo) })
}

func (r *reader) repositoryField(key []byte, repo *Repository) {
	switch string(key) {
	case "id":
		r.must("repository's id", r.whole(&repo.ID))
	case "full_name":
		r.must("full_name", r.text(&repo.FullName))
	case "default_branch":
		r.must("default_branch", r.text(&repo.DefaultBranch))
	case "archived":
		r.must("archived", r.truth(&repo.Archived))
	case "disabled":
		r.must("disabled", r.truth(&repo.Disabled))
	case "fork":
		r.must("fork", r.truth(&repo.Fork))
	case "pushed_at":
		r.time(&repo.PushedAt)
	case "private":
		private := true
		if r.truth(&private); !private {
			repo.Public = true
		}
	default:
		r.skip()
	}
}
