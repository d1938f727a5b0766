#: case simple patterns
#: context tree
#: ignore *.txt
#: ignore dir/sub
#: ignore modes/
FROM busybox
COPY . /x/
#: case allow list
#: context tree
#: ignore *
#: ignore !a.txt
#: ignore !dir
FROM busybox
COPY . /x/
#: case re-included below an excluded folder
#: context tree
#: ignore dir
#: ignore !dir/sub/deep/four
FROM busybox
COPY . /x/
COPY dir /y/
#: case excluded again
#: context tree
#: ignore **
#: ignore !dir
#: ignore dir/sub
FROM busybox
COPY . /x/
#: case double star patterns
#: context tree
#: ignore **/t*
#: ignore dir/**/four
FROM busybox
COPY . /x/
#: case leading slash, dots, comments, blanks
#: context tree
#: ignore # a comment
#: ignore   /a.txt  
#: ignore ./b.txt
#: ignore 
#: ignore dir/../big.bin
FROM busybox
COPY . /x/
#: case excluded file named itself
#: context tree
#: ignore a.txt
FROM busybox
COPY a.txt /x
#: case excluded files of a wildcard
#: context tree
#: ignore a.txt
FROM busybox
COPY *.txt /x/
#: case folder that is excluded but for its contents
#: context tree
#: ignore dir/*
#: ignore !dir/one
FROM busybox
COPY dir /x/
#: case ignores Dockerfile and itself
#: context tree
#: ignore Dockerfile
#: ignore .dockerignore
FROM busybox
COPY . /x/
#: case everything is ignored
#: context tree
#: ignore *
FROM busybox
COPY . /x/
#: case bad pattern
#: context tree
#: ignore [
FROM busybox
COPY . /x/
#: case symlinks and the ignore file
#: context links
#: ignore real/sub
FROM busybox
COPY to-dir /x/
#: case stages are not filtered
#: context tree
#: ignore etc
FROM busybox AS one
FROM busybox
COPY --from=one /etc /x/
#: case Dockerfile of another name has its own
#: context tree
#: file docker/Special
#: ignore a.txt
FROM busybox
COPY . /x/
