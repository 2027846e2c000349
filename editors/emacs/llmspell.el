;;; llmspell.el --- Spells in Lua and JavaScript  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "29.1"))
;; Keywords: languages, tools

;;; Commentary:

;; Starts llmspell's language server through Eglot for spells, and for spells alone: other Lua and JavaScript files keep
;; the server they have.  Two commands run and check a spell in a compilation buffer.  Nothing runs by itself.

;;; Code:

(require 'eglot)
(require 'comint)
(require 'compile)
(require 'project)

(defgroup llmspell nil "Spells in Lua and JavaScript." :group 'languages)

(defcustom llmspell-command '("llmspell")
  "The program and its first arguments."
  :type '(repeat string))

(defcustom llmspell-run-arguments nil
  "Options of every `llmspell-run', such as (\"--max-cost\" \"0.05\")."
  :type '(repeat string))

(defconst llmspell--modes
  '((lua-mode :language-id "lua") (lua-ts-mode :language-id "lua")
    (js-mode :language-id "javascript") (js-ts-mode :language-id "javascript") (js2-mode :language-id "javascript")
    (toml-mode :language-id "toml") (toml-ts-mode :language-id "toml") (conf-toml-mode :language-id "toml")
    (js-json-mode :language-id "json") (json-mode :language-id "json") (json-ts-mode :language-id "json"))
  "The modes of the server's files.")

(defun llmspell-file-p (file)
  "Whether FILE is a spell, by its name or by what lies around it."
  (let ((name (file-name-nondirectory file)) (folder (file-name-directory file)))
    (or (member name '("llmspell.toml" "replies.json"))
        (and (string-match-p "\\.\\(lua\\|[cm]?js\\)\\'" name)
             (or (string-match-p "\\(\\`\\|\\.\\)spell\\.[a-z]+\\'" name)
                 (file-exists-p (expand-file-name "replies.json" folder))
                 (locate-dominating-file folder "llmspell.toml"))))))

(defun llmspell--project (folder)
  "The project of a spell in FOLDER: where its settings lie."
  (let ((root (locate-dominating-file folder "llmspell.toml")))
    (and root (cons 'transient root))))

(defun llmspell--missing ()
  "What to say where there is no program to start, else nil."
  (unless (executable-find (car llmspell-command))
    (format "%s was not found: install llmspell, or set `llmspell-command'" (car llmspell-command))))

(defun llmspell--serve ()
  "Let Eglot start the server for this buffer."
  (setq-local eglot-server-programs
              (cons (cons llmspell--modes (append llmspell-command '("lsp"))) eglot-server-programs))
  (add-hook 'project-find-functions #'llmspell--project nil t)
  (eglot-ensure))

;;;###autoload
(defun llmspell-setup ()
  "Start the language server if the buffer's file is a spell.
For `find-file-hook', after the buffer's mode is known."
  (when (and buffer-file-name (llmspell-file-p buffer-file-name))
    (cond ((llmspell--missing) (message "%s" (llmspell--missing)))
          ((apply #'derived-mode-p (mapcar #'car llmspell--modes)) (llmspell--serve))
          ((string-suffix-p ".lua" buffer-file-name)
           (message "No mode for Lua, so no language server: install the package lua-mode, or lua-ts-mode's grammar")))))

;;;###autoload
(add-hook 'find-file-hook #'llmspell-setup)

(defun llmspell--compile (asks command &rest arguments)
  "Give llmspell's COMMAND this buffer's spell and ARGUMENTS, to compile.
With ASKS, what it asks is answered in the compilation buffer."
  (unless (and buffer-file-name (string-match-p "\\.\\(lua\\|[cm]?js\\)\\'" buffer-file-name))
    (user-error "Which spell?  Go to the buffer of a Lua or JavaScript file"))
  (when (llmspell--missing)
    (user-error "%s" (llmspell--missing)))
  (save-buffer)
  (with-current-buffer
      (compile (mapconcat #'shell-quote-argument
                          (append llmspell-command (list command (file-relative-name buffer-file-name)) arguments) " ")
               asks)
    ;; An answer is typed at the end, wherever point is.
    (setq-local comint-scroll-to-bottom-on-input t)))

(defun llmspell-run (&optional options)
  "Run the spell of this buffer.
What it asks is answered in the compilation buffer.  With a prefix
argument, ask for OPTIONS of `llmspell run', such as --param name=Ada."
  (interactive (list (and current-prefix-arg (split-string-and-unquote (read-string "Options: " "--param ")))))
  (apply #'llmspell--compile t "run" (append llmspell-run-arguments options)))

(defun llmspell-validate ()
  "Check the spell of this buffer without running it."
  (interactive)
  (llmspell--compile nil "validate"))

;; "  at spell.lua:4: in function 'f'", under an error.
(add-to-list 'compilation-error-regexp-alist-alist '(llmspell "^  at \\([^:\n]+\\):\\([0-9]+\\)" 1 2 nil 0))
(add-to-list 'compilation-error-regexp-alist 'llmspell)

(provide 'llmspell)
;;; llmspell.el ends here
